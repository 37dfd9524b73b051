"""Errors that a person reads: each says what is wrong and what to do, in one sentence."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command of the product returns to the shell or the scheduler."""

    OK = 0
    FAILED = 1
    USAGE = 2
    BLOCKED = 3
    NOT_READY = 75


class CrmError(Exception):
    """A known failure. `str(error)` is the full sentence for the user; `code` is stable."""

    code = "error"
    exit_code = ExitCode.FAILED

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NotReadyError(CrmError):
    """Something the work needs is not there yet; trying again later is right."""

    code = "not_ready"
    exit_code = ExitCode.NOT_READY


class UsageError(CrmError):
    """The caller asked for something that cannot be; asking differently is right."""

    code = "usage"
    exit_code = ExitCode.USAGE


class ContractError(CrmError):
    """Data that crosses a contract does not keep it."""

    code = "contract_broken"


class ServerUnavailableError(NotReadyError):
    """PostgreSQL, Redis or Kafka did not answer in time."""

    code = "server_unavailable"

"""What can go wrong with local servers: one sentence each, with an exit code of sysexits.h."""


class LocalServerError(Exception):
    """A local server cannot be used; the message says what to do."""

    exit_code = 70


class UnsupportedPlatform(LocalServerError):
    exit_code = 69


class ServerDoesNotAnswer(LocalServerError):
    exit_code = 69


class ServerFailedToStart(LocalServerError):
    exit_code = 69


class NotRunning(LocalServerError):
    exit_code = 69


class DiskFull(LocalServerError):
    exit_code = 74


class NoWritePermission(LocalServerError):
    exit_code = 77


class PortTaken(LocalServerError):
    exit_code = 75


class RoleUnusable(LocalServerError):
    exit_code = 78

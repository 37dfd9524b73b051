"""What can go wrong with local servers: one sentence each, with an exit code of sysexits.h."""


class LocalServerError(Exception):
    """A local server cannot be used; the message says what to do."""

    exit_code = 70


class UnsupportedPlatform(LocalServerError):
    """Nothing that is installed runs here."""

    exit_code = 69


class ServerDoesNotAnswer(LocalServerError):
    """A server should be there and says nothing, or nothing sensible."""

    exit_code = 69


class ServerFailedToStart(LocalServerError):
    """A server ended while it was starting."""

    exit_code = 69


class NotRunning(LocalServerError):
    """Something was asked of a server that does not run."""

    exit_code = 69


class DiskFull(LocalServerError):
    """There is no room for the data."""

    exit_code = 74


class NoWritePermission(LocalServerError):
    """This user may not write where the data should be."""

    exit_code = 77


class PortTaken(LocalServerError):
    """A port that was asked for is in use or is none."""

    exit_code = 75


class RoleUnusable(LocalServerError):
    """A role of the database cannot be created or cannot log in."""

    exit_code = 78

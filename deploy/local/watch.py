"""The guardian process: waits until the program it watches is gone, stops what that left."""

import sys

from deploy.local.servers import LocalServers


def main() -> None:
    """Wait for the end of standard input, then stop the servers of the folder."""
    data_dir, manner = sys.argv[1:]
    sys.stdin.buffer.read()
    servers = LocalServers(data_dir, environment={})
    if manner == "keep":
        servers.down()
    else:
        servers.remove()


if __name__ == "__main__":
    main()

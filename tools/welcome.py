"""What `make run` says before the server starts: who can be whom, and what to try first."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    """Print the screen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", required=True)
    parser.add_argument("--aws", type=Path, required=True)
    told = parser.parse_args()
    data, aws = told.data.absolute(), told.aws.absolute()
    began = "goes on where it stopped" if (data / "rolecall.db").exists() else "begins"
    print(
        f"""
  Rolecall: the tutorial {began}.  Data: {told.data}  (make tutorial-reset starts it over)

  In a second terminal, in this folder:

    alias aws={aws}                      # version 1, if you have no aws command of your own
    export AWS_ENDPOINT_URL=http://127.0.0.1:{told.port}

    # be aws_cli_test, who may look but not touch
    export AWS_SHARED_CREDENTIALS_FILE={data}/tutorial-credentials AWS_PROFILE=aws_cli_test
    # be the administrator (the account's root user)
    export AWS_SHARED_CREDENTIALS_FILE={data}/root-credentials AWS_PROFILE=root

  Try first, as aws_cli_test:   aws s3 ls s3://a.demo.bucket
  The whole story:              docs/guide/tutorial.md
""",
        flush=True,
    )


if __name__ == "__main__":
    main()

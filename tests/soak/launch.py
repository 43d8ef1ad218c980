"""`redumbrella run` that starts the dead again at once.

For people a process that dies again and again is slowed down; here dying every two seconds is
the experiment.
"""

from app.cli import app
from app.launcher import children

if __name__ == "__main__":
    children.LONGEST_BACK_OFF = children.FIRST_BACK_OFF
    app()

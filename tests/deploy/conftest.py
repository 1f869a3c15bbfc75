from tests.deploy.mails import mailbox, spam
from tests.serving.conftest import cancer

__all__ = ["cancer", "mailbox", "spam"]

"""On every tick, hand pages of due work to the topics that do it."""

from uuid import UUID

from vaultra.entrypoints import Call, event_function
from vaultra.errors import InvalidInput
from vaultra.schemas import Body
from vaultra.usecases import dispatch as jobs


class Tick(Body):
    """A job of the schedule; `after` is the last account, or user, of the page before."""

    job: str
    after: UUID | None = None


@event_function
def dispatch(call: Call, body: Tick) -> None:
    if body.job not in jobs.JOBS:
        raise InvalidInput(f"There is no job {body.job}")
    for topic, content in jobs.run(call.db, jobs.Tick(body.job, body.after), call.now):
        call.publish(topic, content)

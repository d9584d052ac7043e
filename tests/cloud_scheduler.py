"""A server on this machine that speaks Cloud Scheduler's protocol, for Google's own client."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.cloud.scheduler_v1 import CloudSchedulerClient, Job, types
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import CloudSchedulerGrpcTransport

SERVICE = "google.cloud.scheduler.v1.CloudScheduler"
ENABLED, PAUSED = Job.State(Job.State.ENABLED), Job.State(Job.State.PAUSED)
PAGE = 2
"""So few jobs on a page that reading them all takes several."""


class FakeCloudScheduler:
    """The jobs by their full name, which were run, and whether it answers at all."""

    def __init__(self, *jobs: Job) -> None:
        self.jobs = {job.name: job for job in jobs}
        self.ran: list[str] = []
        self.is_down = False

    def list_jobs(self, request: Any, _context: grpc.ServicerContext) -> Any:
        names = sorted(name for name in self.jobs if name.startswith(f"{request.parent}/jobs/"))
        begin = int(request.page_token or 0)
        more = str(begin + PAGE) if begin + PAGE < len(names) else ""
        page = [self.jobs[name] for name in names[begin : begin + PAGE]]
        return types.ListJobsResponse(jobs=page, next_page_token=more)

    def run_job(self, request: Any, context: grpc.ServicerContext) -> Job:
        self.ran.append(self._found(request.name, context).name)
        return self.jobs[request.name]

    def pause_job(self, request: Any, context: grpc.ServicerContext) -> Job:
        self._found(request.name, context).state = PAUSED
        return self.jobs[request.name]

    def resume_job(self, request: Any, context: grpc.ServicerContext) -> Job:
        self._found(request.name, context).state = ENABLED
        return self.jobs[request.name]

    def _found(self, name: str, context: grpc.ServicerContext) -> Job:
        if name not in self.jobs:
            context.abort(grpc.StatusCode.NOT_FOUND, "Job not found.")
        return self.jobs[name]

    def _handler(self, method: Callable[..., Any], request: Any, answer: Any) -> grpc.RpcMethodHandler:
        def handle(asked: Any, context: grpc.ServicerContext) -> Any:
            if self.is_down:
                context.abort(grpc.StatusCode.UNAVAILABLE, "down")
            return method(asked, context)

        return grpc.unary_unary_rpc_method_handler(
            handle, request_deserializer=request.deserialize, response_serializer=answer.serialize
        )

    @property
    def handlers(self) -> dict[str, grpc.RpcMethodHandler]:
        """By the method's name in the protocol."""
        return {
            "ListJobs": self._handler(self.list_jobs, types.ListJobsRequest, types.ListJobsResponse),
            "RunJob": self._handler(self.run_job, types.RunJobRequest, Job),
            "PauseJob": self._handler(self.pause_job, types.PauseJobRequest, Job),
            "ResumeJob": self._handler(self.resume_job, types.ResumeJobRequest, Job),
        }


@contextmanager
def served(fake: FakeCloudScheduler) -> Iterator[CloudSchedulerClient]:
    """Google's client, connected to the fake."""
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, fake.handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield CloudSchedulerClient(transport=CloudSchedulerGrpcTransport(channel=channel))
    server.stop(None)

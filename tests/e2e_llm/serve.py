"""Serve a model's weights over OpenAI's protocol; runs in the environment that has the engine, and in no other.

`python serve.py WEIGHTS TEMPLATE PORT CONTEXT BATCH` listens on 127.0.0.1 until its standard input is closed.
"""

import sys
from pathlib import Path

import xllamacpp  # type: ignore[import-not-found]

THREADS = 2

weights, template, port, context_tokens, batch_tokens = sys.argv[1:]
parameters = xllamacpp.CommonParams()
parameters.model.path = weights
parameters.chat_template = Path(template).read_text(encoding="utf-8")
parameters.use_jinja = True
parameters.hostnames = ["127.0.0.1"]
parameters.port = int(port)
parameters.n_ctx = int(context_tokens)
# It tells how far it has read after each batch, so that nobody takes it for dead meanwhile.
parameters.n_batch = parameters.n_ubatch = int(batch_tokens)
# One conversation at a time: what it has read of the instructions and tools then serves all questions.
parameters.n_parallel = 1
parameters.n_gpu_layers = 0
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = THREADS
parameters.sampling.temp = 0.0
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()

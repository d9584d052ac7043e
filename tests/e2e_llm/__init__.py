"""A real small language model behind the port for servers that speak OpenAI's protocol; `make e2e-llm` runs it."""

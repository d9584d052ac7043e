"""A stand-in for Google's sign-in that runs on one machine: discovery, a page that asks who you are, tokens, keys.

As a process, with client and secret from GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET:
`python -m vaultra_local.openid_sim --port 8090`. In a test, inside a thread:

    with running_openid_sim() as google:
        google.add(Person("eve", "eve@example.com", "Eve"))
        google.next_token(claims={"aud": "somebody-else"})

Without a browser: `GET /authorize?…&sim_person=ana` agrees at once; with `&sim_decision=deny` it declines. POST to
the same path takes the form fields `person` and `decision` (`continue` or `deny`).

The control API speaks JSON, for tests in other processes:

    GET  /_sim/health      {"status": "ok"}
    POST /_sim/people      {subject, email, name, about?, email_verified?, picture?}: somebody more to choose
    POST /_sim/next-token  {claims?, signed?}: the next identity token has these claims (null removes one) and is
                           signed `properly`, with `none`, `hs256` (the public key as the secret), by `another_key`,
                           or by `another_kid` (a good signature under an unknown key's name)
    POST /_sim/answering   {answering}: false makes everything but this API answer 503

The signing key is made at the start and never stored.
"""

from vaultra_local.openid_sim.issuer import CLIENT_ID, CLIENT_SECRET, SIGNATURES, OpenidSim, Person
from vaultra_local.openid_sim.server import running_openid_sim

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "SIGNATURES", "OpenidSim", "Person", "running_openid_sim"]

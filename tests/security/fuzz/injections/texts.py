"""Texts that mean something else to a file system, a header, a log, a terminal or a template."""
# ruff: noqa: RUF001  (letters that look like others are what is tried)

from tests.support.log_text import FORGED

INJECTED = "x-injected"  # a header that no response may have
CANARY = "root:x:0:0"  # begins the file that traversal wants to see

TRAVERSALS = [
    "../../../../../../etc/passwd", "..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "..%252f..%252f..%252fetc%252fpasswd", "....//....//....//etc/passwd", "..\\..\\..\\..\\windows\\win.ini",
    "..%5c..%5c..%5cwindows%5cwin.ini", "..%c0%af..%c0%afetc/passwd", "..%ef%bc%8f..%ef%bc%8fetc/passwd",
    "/etc/passwd", "//etc/passwd", "file:///etc/passwd", "/proc/self/environ", "~/.ssh/id_rsa",
    "C:\\boot.ini",
    "..", ".", "./.", "...", "a/../../b", "a/../" * 40 + "etc/passwd", "/etc/passwd\0.png", "a.png\0/../../x",
    "\u2024\u2024/\u2024\u2024/etc/passwd", "．．／．．／etc／passwd", ".git/config", "storage/../../up.json",
]  # fmt: skip
HEADERS = [
    "a\r\nX-Injected: 1", "a\nX-Injected: 1", "a\rX-Injected: 1", "a\r\n\r\n<script>alert(1)</script>",
    "a%0d%0aX-Injected:%201", "a%0aX-Injected:1", "a\r\n X-Injected: 1", "a\u560d\u560aX-Injected: 1",
    "a\u010d\u010aX-Injected: 1", "a\x85X-Injected: 1", "a\u2028X-Injected: 1",
    'a"; filename="x\r\nX-Injected: 1',
    "a\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nX-Injected: 1\r\n\r\n", "a\x0bX-Injected: 1",
    "http://127.0.0.1/\r\nX-Injected: 1", "a\r\nSet-Cookie: a=b", "*1\r\n$8\r\nFLUSHALL\r\n",
]  # fmt: skip
LOGS = [
    f"a\n{FORGED}", f"a\r\n{FORGED} path=/admin", f"a\r{FORGED}", f"a\u2028{FORGED}", f"a\x0b{FORGED}",
    f"a\x1e{FORGED}", f"a\x85{FORGED}", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x9b31m",
    "\x1b]8;;http://x\x1b\\a",
    "\x07\x08\x7f", "\u202egnp.exe", "\u2066\u2069\u200f", "a status=200 job_id=stolen", 'a" status=200 "',
    "[red]a[/red]", "[link=http://x]a[/link]", "\0", "\ufeffa", "\U000e0041", "a\tb",
]  # fmt: skip
TEMPLATES = [
    "%s%s%s%n%x", "%(levelname)s", "{0.__class__.__mro__}", "{self}", "{{7*7}}", "{% raise %}",
    "${jndi:ldap://x/a}",
    "$(id)", "`id`", ";id", "|id", "&& id", "' OR '1'='1", '"; redis.call("FLUSHALL") --',
    "]] .. redis.call() --",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "__proto__",
    "constructor",
    "!!python/object/apply:os.system [id]", "cos\nsystem\n(S'id'\ntR.", "null", "NaN", "1e999", "-0", "true",
    "0x7fffffffffffffff", "9" * 400, "a" * 5000, "\u0130\u0131\u1e9e", "e\u0301" * 60, "\U0001f600" * 50,
    "", " ",
]  # fmt: skip
TEXTS = [*TRAVERSALS, *HEADERS, *LOGS, *TEMPLATES]

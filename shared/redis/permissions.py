"""What the server's user must be allowed to do (docs/server.md tells it), and what of that it may not."""

from redis.exceptions import ResponseError

from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX, Keys

# Atelier's own keys, the lists of doorbells, and where Celery's transport notes which queues there are.
KEY_PATTERNS = (f"{PREFIX}*", "atelier.*", "_kombu.binding*")
SOME_KEY = Keys()("probe")
# All that API, workers and commands send, and that scripts call, with arguments that would do; K is a key.
COMMANDS = f"""
bitcount K|brpop K 1|decr K|del K|exists K|expire K 1|get K|hdel K a|hexists K a|hget K a|hgetall K
hincrby K a 1|hkeys K|hlen K|hmget K a|hset K a 1|hsetnx K a 1|hstrlen K a|hvals K|incr K|incrby K 1
llen K|lpop K|lpush K a|lrange K 0 1|ltrim K 0 1|mget K|pexpire K 1|pexpireat K 1|pttl K|rename K K|rpush K a
sadd K a|scard K|set K a|setbit K 1 1|setnx K a|smembers K|smismember K a|spop K|srandmember K
srem K a|sunion K|ttl K|type K|unlink K|xadd K * a 1|xrange K - +|xread STREAMS K 0|xrevrange K + -
zadd K 1 a|zcard K|zcount K 0 1|zrange K 0 1|zrangebyscore K 0 1|zrem K a|zremrangebyrank K 0 1
zremrangebyscore K 0 1|zrevrange K 0 1|zrevrangebyscore K 1 0|zscore K a|evalsha {"0" * 40} 1 K
script load x|multi|exec|discard|ping|select 0|time|info|dbsize|scan 0|wait 0 1
"""


def acl_rules() -> str:
    """Return the least rules of the server's user, as `ACL SETUSER` takes them."""
    names = (_rule_of(command) for command in _commands())
    keys = (f"~{pattern}" for pattern in KEY_PATTERNS)
    return " ".join(["resetkeys", *keys, "resetchannels", "-@all", *(f"+{name}" for name in names)])


def missing_permissions(client: Client) -> list[str]:
    """Return the rules that the user lacks, such as "+xadd" or "~atelier:*"; raise StoreUnavailable.

    The commands are queued in a transaction that is thrown away, so none is carried out.
    """
    pool = client.connection_pool
    with store_errors():
        connection = pool.get_connection()
        try:
            return _refused_transactions(connection) or _refused(connection)
        finally:
            connection.disconnect()  # which ends a transaction
            pool.release(connection)


def _refused_transactions(connection: Client) -> list[str]:
    """Try transactions without a command in them: without these, the others would be carried out."""
    tried = ("multi", "exec", "multi", "discard", "multi")
    return list(dict.fromkeys(f"+{name}" for name in tried if _is_refused(connection, name)))


def _refused(connection: Client) -> list[str]:
    keys = {f"~{pattern}": f"exists {pattern.replace('*', 'probe')}" for pattern in KEY_PATTERNS}
    others = [command for command in _commands() if command not in ("multi", "exec", "discard")]
    commands = {f"+{_rule_of(command)}": command.replace("K", SOME_KEY) for command in others}
    return [
        *(rule for rule, command in keys.items() if _is_refused(connection, command, "key")),
        *(rule for rule, command in commands.items() if _is_refused(connection, command)),
    ]


def _is_refused(connection: Client, command: str, by: str = "command") -> bool:
    connection.send_command(*command.split())
    try:
        connection.read_response()
    except ResponseError as error:  # where EXEC itself may not be: of another class, with the same words
        return "no permission" in str(error).lower() and by in str(error)
    return False


def _commands() -> list[str]:
    return COMMANDS.strip().replace("\n", "|").split("|")


def _rule_of(command: str) -> str:
    name, _, rest = command.partition(" ")
    return f"script|{rest.split()[0]}" if name == "script" else name

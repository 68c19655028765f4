"""The faults of a chaos run. Each is a function of the world and a random.Random, provokes its fault, waits
until it was felt, undoes it, and returns what was felt as a text; it fails when the fault did not happen.
No two run at once, but what one leaves behind may still go on when the next begins."""
import os
import pathlib
import signal
import time

import fanfold
import partitions
import recorded
from world import WORKERS

OUTAGE_SECONDS = 60
COMMIT = b"fanfold:cursor:"  # stands in each commit
RECORD = partitions.MAGIC  # each record begins with it


def kill_worker(world, chance):
    """SIGKILL of a worker that holds leases, until others hold them; then it is started again."""
    name, views = an_owner(world, chance)
    world.workers[name].sigkill()
    fanfold.poll(lambda: not world.owned(name), OUTAGE_SECONDS, f"the leases of {name} to be taken over")
    world.await_progress(views)
    world.start_worker(name)
    return f"{name} died with {len(views)} leases"


def pause_worker(world, chance):
    """SIGSTOP of a worker with a commit on its way, until others hold all its leases; then it wakes up, and
    what it had in its hands arrives."""
    name, views = an_owner(world, chance)
    worker, proxy = world.workers[name], world.proxies[name, "redis"]
    world.await_progress(views)
    proxy.freeze()
    try:
        fanfold.poll(lambda: COMMIT in proxy.waiting(), OUTAGE_SECONDS, f"{name} to commit")
        worker.signal(signal.SIGSTOP)
        on_the_way = proxy.waiting().count(COMMIT)
        fanfold.poll(lambda: not world.owned(name), OUTAGE_SECONDS, f"the leases of {name} to be taken over")
        world.await_progress(views)
    finally:
        worker.signal(signal.SIGCONT)
        proxy.thaw()
    world.await_progress()
    return f"{name} lost {len(views)} leases in its sleep, with {on_the_way} commits on the way"


def kill_broker(world, chance):
    """SIGKILL of RabbitMQ; started again on the same data."""
    before = {who: world.proxies[who, "amqp"].accepted for who in WORKERS}
    reconnects = world.foreign.reconnects
    world.servers.kill_broker()
    world.servers.do("start-amqp")
    owners = fanfold.poll(lambda: [who for who in WORKERS if world.owned(who)], what="any owner")
    fanfold.poll(lambda: any(world.proxies[who, "amqp"].accepted > before[who] for who in owners),
                 OUTAGE_SECONDS, "a worker to connect to RabbitMQ again")
    fanfold.poll(lambda: world.foreign.reconnects > reconnects, OUTAGE_SECONDS, "the publisher to connect again")
    world.await_progress()
    return "workers and publishers connected to RabbitMQ again"


def kill_redis(world, chance):
    """SIGKILL of Redis, which may lose its last second (appendfsync everysec)."""
    before = connects(world, "redis")
    world.servers.do("kill-redis")
    world.servers.do("start-redis")
    fanfold.poll(lambda: all(new > old for new, old in zip(connects(world, "redis"), before)),
                 OUTAGE_SECONDS, "all workers to connect to Redis again")
    world.await_progress()
    return "all workers connected to Redis again"


def cut_aof(world, chance):
    """SIGKILL of Redis, and its append-only file loses its end, in the middle of a command: rows and
    positions go back together."""
    world.await_progress()
    old = world.counts()
    world.servers.do("kill-redis")
    files = sorted((pathlib.Path(world.servers.folder) / "redis/appendonlydir").glob("*.incr.aof"))
    size = files[-1].stat().st_size
    with open(files[-1], "r+b") as file:
        file.truncate(size - size // 3)
    # What was saved is read before any worker is let in.
    for who in WORKERS:
        world.proxies[who, "redis"].freeze()
        world.proxies[who, "redis"].cut()
    try:
        world.servers.do("start-redis")
        new = world.counts()
    finally:
        for who in WORKERS:
            world.proxies[who, "redis"].thaw()
    back = [view for view in old if new[view] < old[view]]
    if not back:
        raise AssertionError(f"no view went back: {old} → {new}")
    fanfold.poll(lambda: all(world.counts()[view] > old[view] for view in back), OUTAGE_SECONDS,
                 f"the views to heal; {world.where()}")
    return f"{len(back)} views went back, by up to {max(old[v] - new[v] for v in back)} events"


def cut_connections(world, chance):
    """Connections to both servers end in the middle of a frame, those of the publisher too."""
    who = chance.choice((*WORKERS, "publisher"))
    servers = ("amqp",) if who == "publisher" else ("amqp", "redis")
    for server in servers:
        proxy = world.proxies[who, server]
        cuts, accepted = proxy.cuts, proxy.accepted
        fanfold.poll(lambda: proxy.cut() and proxy.cuts > cuts, OUTAGE_SECONDS,
                     f"a connection of {who} to {server} to be cut")
        fanfold.poll(lambda: proxy.accepted > accepted, OUTAGE_SECONDS, f"{who} to connect to {server} again")
    world.await_progress()
    return f"{who} connected to {' and '.join(servers)} again"


def freeze_amqp(world, chance):
    """The broker falls silent for a worker, and no reset says so."""
    return freeze(world, chance, "amqp")


def freeze_redis(world, chance):
    """Redis falls silent for a worker, and no reset says so: others take over its tasks."""
    return freeze(world, chance, "redis")


def freeze(world, chance, server):
    name, views = an_owner(world, chance)
    proxy = world.proxies[name, server]
    accepted, held_back, lost = proxy.accepted, proxy.held_back, lost_feeds(world, name)
    proxy.freeze()
    try:
        fanfold.poll(lambda: proxy.accepted > accepted and (server == "redis" or lost_feeds(world, name) > lost),
                     OUTAGE_SECONDS * 2, f"{name} to find out that {server} is silent")
    finally:
        proxy.thaw()
    if proxy.held_back == held_back:
        raise AssertionError(f"nothing was on its way between {name} and {server}")
    world.await_progress()
    return f"{name} gave {server} up with {proxy.held_back - held_back} bytes on the way"


def lost_feeds(world, name):
    """How often the worker has lost what it read: its recorder connects to RabbitMQ, too."""
    return world.workers[name].log().count("streaming -> backoff")


def redis_full(world, chance):
    """Redis is out of memory (maxmemory), and refuses to write."""
    return redis_refuses(world, lambda redis: redis.config_set("maxmemory", 1),
                         lambda redis: redis.config_set("maxmemory", 0))


def redis_read_only(world, chance):
    """Redis is a replica, whose master is not there."""
    return redis_refuses(world, lambda redis: redis.replicaof("127.0.0.1", "1"),
                         lambda redis: redis.replicaof("NO", "ONE"))


def redis_refuses(world, fault, remedy):
    with world.redis() as redis:
        before = refusals(redis)
        fault(redis)
        try:
            fanfold.poll(lambda: refusals(redis) > before, OUTAGE_SECONDS, "Redis to refuse a write")
            counts = world.counts()
            fanfold.poll(lambda: refusals(redis) > before + 2, OUTAGE_SECONDS, "Redis to refuse more writes")
            if world.counts() != counts:
                raise AssertionError("a view went on though Redis refuses to write")
            felt = refusals(redis) - before
        finally:
            remedy(redis)
    world.await_progress()
    return f"Redis refused {felt} commands"


def refusals(redis):
    """How many commands Redis has refused to carry out, for want of memory or as a replica."""
    stats = redis.info("errorstats")
    return sum(int(str(stats.get("errorstat_" + name, "count=0")).split("=")[1]) for name in ("OOM", "READONLY"))


def memory_alarm(world, chance):
    """The broker's memory alarm blocks publishers."""
    return alarm(world, ("set_vm_memory_high_watermark", "0.000001"),
                 ("set_vm_memory_high_watermark", "0.4"))


def disk_alarm(world, chance):
    """The broker's disk alarm blocks publishers."""
    return alarm(world, ("set_disk_free_limit", "1000GB"), ("set_disk_free_limit", "50MB"))


def alarm(world, fault, remedy):
    world.servers.rabbitmqctl(*fault)
    try:
        blocked = fanfold.poll(lambda: world.servers.rabbitmqctl("list_connections", "state").count("blocked"),
                               OUTAGE_SECONDS, "the broker to block its publishers")
        confirmed = len(world.foreign.confirmed)
        world.servers.rabbitmqctl("list_connections", "state")  # takes a while
        if len(world.foreign.confirmed) > confirmed:
            raise AssertionError("an event was confirmed though its publisher is blocked")
    finally:
        world.servers.rabbitmqctl(*remedy)
    fanfold.poll(lambda: len(world.foreign.confirmed) > confirmed, OUTAGE_SECONDS, "the publisher to go on")
    world.await_progress()
    return f"{blocked} publishers had to wait, and went on"


def kill_publisher(world, chance):
    """SIGKILL of `fanfold publish` with messages on the way; then all of its lines again."""
    again = world.ours.again
    fanfold.poll(world.ours.kill, OUTAGE_SECONDS, "a publisher at work", pause=0.01)
    fanfold.poll(lambda: world.ours.again > again, OUTAGE_SECONDS, "the lines to be published again")
    world.await_progress()
    return "a publisher died in mid-window; its lines were published again"


def kill_recorder(world, chance):
    """SIGKILL of the process that records, until another one does."""
    count = a_set(world, chance)
    name, pid = a_recording(world, count)
    os.kill(pid, signal.SIGKILL)
    other = another_recording(world, count, pid)
    world.await_progress()
    return f"the recorder of {name} died, that of {other} records {count} partitions"


def pause_recorder(world, chance):
    """SIGSTOP of the process that records, with records on their way, until another one has taken over; then
    it wakes up, and what it had in its hands is appended, too."""
    count = a_set(world, chance)
    world.log.events(count)  # reads what there is, so that only little is left to be read while it sleeps
    name, pid = fanfold.poll(lambda: caught_recording(world, count), OUTAGE_SECONDS, "a recorder that appends")
    proxy = world.proxies[name, "amqp"]
    try:
        os.kill(pid, signal.SIGSTOP)
        try:
            other = another_recording(world, count, pid)
            held = world.log.events(count)
            fanfold.poll(lambda: world.log.events(count) > held, OUTAGE_SECONDS, f"that of {other} to append")
            before = world.log.repeats(count)
        finally:
            os.kill(pid, signal.SIGCONT)
    finally:
        proxy.thaw()
    repeats = fanfold.poll(lambda: world.log.repeats(count) - before, OUTAGE_SECONDS,
                           "records that are there already")
    world.await_progress()
    return f"the recorder of {name} slept while that of {other} recorded, and appended {repeats} records again"


def change_partitions(world, chance):
    """Another number of partitions, to which the views go over."""
    old = world.in_force()
    count = chance.choice([number for number in world.numbers if {number} != old])
    world.go_over(count)
    if world.in_force() != {count}:
        raise AssertionError(f"the views are folded by {world.in_force()} partitions, not by {count}")
    world.await_progress()
    return f"from {', '.join(map(str, sorted(old)))} to {count}"


OF_ANY_LOG = (kill_worker, pause_worker, kill_broker, kill_redis, cut_aof, cut_connections, freeze_amqp,
              freeze_redis, redis_full, redis_read_only, memory_alarm, disk_alarm, kill_publisher)
OF_RECORDED = (kill_recorder, pause_recorder, change_partitions)


def an_owner(world, chance):
    """(name, views) of a worker that holds leases now."""
    names = fanfold.poll(lambda: [name for name in WORKERS if world.owned(name)], OUTAGE_SECONDS,
                         "a worker with leases")
    name = chance.choice(names)
    return name, world.owned(name)


def a_set(world, chance):
    """A number of partitions that views are folded by, more than one."""
    found = sorted(world.in_force() - {1})
    if not found:
        found = [world.numbers[1]]
        world.go_over(found[0])
        world.await_progress()
    return chance.choice(found)


def a_recording(world, count):
    return fanfold.poll(lambda: world.recording(count), OUTAGE_SECONDS, "a recorder at work")


def caught_recording(world, count):
    """(worker, pid) of the one that records, which has sent records since its proxy lets none through; None: it has lost
    its lock before it had any."""
    name, pid = a_recording(world, count)
    proxy = world.proxies[name, "amqp"]
    proxy.freeze(clients_only=True)
    while recorded.records(pid, count):
        if RECORD in proxy.waiting():
            return name, pid
        time.sleep(0.01)
    proxy.thaw()
    return None


def another_recording(world, count, pid):
    """The worker whose recorder records now, in the place of that process."""
    def another():
        return next((name for name, other in world.recorders(count)
                     if other != pid and recorded.records(other, count)), None)
    return fanfold.poll(another, OUTAGE_SECONDS, "another recorder to take over")


def connects(world, server):
    return [world.proxies[who, server].accepted for who in WORKERS]

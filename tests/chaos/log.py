"""The whole log, read with pika: independent of what is tested."""
import json
import time

QUIET_SECONDS = 60


def read(addresses, queue, last_id):
    """(offset, event) in the log's order up to the event with this id, which are objects like those of
    flow.events()."""
    with addresses.amqp() as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=2000)
        events = []
        for method, properties, body in channel.consume(
                queue, arguments={"x-stream-offset": "first"}, inactivity_timeout=QUIET_SECONDS):
            if method is None:
                raise AssertionError(f"the log ends after {len(events)} events, without {last_id}")
            channel.basic_ack(method.delivery_tag)
            events.append((properties.headers["x-stream-offset"], event(properties, method.routing_key, body)))
            if properties.message_id == last_id:
                return events


def event(properties, routing_key, body):
    headers = properties.headers or {}
    stamp = headers.get("cloudEvents:time") or time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(properties.timestamp))
    return {"id": properties.message_id, "source": properties.app_id, "type": properties.type,
            "subject": headers.get("cloudEvents:subject", routing_key), "time": stamp,
            "data": json.loads(body)}

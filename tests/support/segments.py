"""What the broker's files say of a stream: in what portions it was written."""
import os
import pathlib
import re
import struct

HEADER = struct.Struct(">BBHIqQQIIII")
MAGIC = 0x50


def chunks_of(segment):
    """(entries, bytes of data) of each chunk of a file. The header is osiris's: magic and version, type,
    entries, records, time, epoch, id, crc, data, trailer, reserved."""
    with open(segment, "rb") as file:
        file.seek(8)
        while len(head := file.read(HEADER.size)) == HEADER.size:
            magic, _, entries, _, _, _, _, _, data, trailer, _ = HEADER.unpack(head)
            if magic != MAGIC:
                break
            yield entries, data
            file.seek(data + trailer, os.SEEK_CUR)


def folder_of(queue):
    """As the broker names it, without the time of its declaration: what could be no file's name is a _."""
    return "_" + re.sub(r"[^\w-]", "_", queue) + "_*"


def chunks(servers, queue=None):
    """(entries, bytes of data) of each chunk in the broker's segments, largest first; queue: of this stream
    only."""
    folder = f"*{folder_of(queue)}" if queue else "*"
    paths = pathlib.Path(servers.folder).glob(f"rabbitmq/data/stream/{folder}/*.segment")
    return sorted((chunk for path in paths for chunk in chunks_of(path)), key=lambda chunk: chunk[1], reverse=True)

import sqlite3
import time

now = int(time.time())
with sqlite3.connect("devices.db") as db:
    db.execute("CREATE TABLE devices (token TEXT PRIMARY KEY, registered_at INTEGER NOT NULL)")
    db.executemany(
        "INSERT INTO devices VALUES (?, ?)",
        [
            ("900d0001", now - 90 * 86400),
            ("dead0001", now - 90 * 86400),  # The app was removed a day ago.
            ("dead0002", now),  # It was removed a day ago too, and has registered again since.
        ],
    )

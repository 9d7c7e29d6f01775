import sqlite3

from fanfare_push import Client, is_dead, pb

db = sqlite3.connect("devices.db")


def pushes():
    for (token,) in db.execute("SELECT token FROM devices"):
        yield pb.Push(
            app="demo",
            target=pb.Target(apns=pb.ApnsDevice(token=token)),
            content=pb.Content(data={"refresh": "1"}),
        )


dead = []
with Client("127.0.0.1:50051", plaintext=True) as client:
    for result in client.send_batch(pushes()):
        if is_dead(result):
            verdict = result.verdict
            # Only APNs says since when. Without that, everything that was registered before this push is meant.
            since = verdict.token_invalid_since.seconds if verdict.HasField("token_invalid_since") else None
            dead.append({"token": result.push.target.apns.token, "since": since})

with db:
    db.executemany("DELETE FROM devices WHERE token = :token AND (:since IS NULL OR registered_at <= :since)", dead)
print("left:", [token for (token,) in db.execute("SELECT token FROM devices ORDER BY token")])

import csv
from collections import Counter

from fanfare_push import Answered, Client, pb, should_retry


def pushes(users):
    for row in csv.DictReader(users):
        yield pb.Push(
            id=row["id"],
            app="demo",
            target=pb.Target(apns=pb.ApnsDevice(token=row["token"])),
            content=pb.Content(notification=pb.Notification(title="Sale", body="Today only")),
        )


counts = Counter()
with (
    Client("127.0.0.1:50051", plaintext=True) as client,
    open("users.csv", newline="") as users,
    open("results.csv", "w", newline="") as results,
):
    table = csv.writer(results)
    for result in client.send_batch(pushes(users)):
        if isinstance(result, Answered):
            outcome = pb.Outcome.Name(result.verdict.outcome)
        else:
            outcome = type(result).__name__  # NotRead or Unknown
        table.writerow([result.push.id, outcome, should_retry(result)])
        counts[outcome] += 1
print(dict(counts))

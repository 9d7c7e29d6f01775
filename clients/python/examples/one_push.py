from fanfare_push import Client, is_dead, pb

with Client("127.0.0.1:50051", plaintext=True) as client:
    result = client.send(
        pb.Push(
            id="order-17",
            app="demo",
            target=pb.Target(apns=pb.ApnsDevice(token="900d0001")),
            content=pb.Content(notification=pb.Notification(title="Hello", body="World")),
        )
    )
    print(f"{result.push.id}: {pb.Outcome.Name(result.verdict.outcome)}")
    if is_dead(result):
        print("delete the token, unless it was registered again after", result.verdict.token_invalid_since.ToDatetime())

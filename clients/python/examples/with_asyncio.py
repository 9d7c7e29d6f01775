import asyncio

from fanfare_push import Answered, AsyncClient, pb


async def pushes():
    for number in range(100):
        yield pb.Push(
            app="demo",
            target=pb.Target(apns=pb.ApnsDevice(token=f"900d{number:04x}")),
            content=pb.Content(notification=pb.Notification(title="Hello")),
        )


async def main():
    async with AsyncClient("127.0.0.1:50051", plaintext=True) as client:
        results = [result async for result in client.send_batch(pushes())]
    print(sum(isinstance(result, Answered) for result in results), "verdicts")


asyncio.run(main())

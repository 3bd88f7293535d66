"""Calls that are wrong. A type checker must refuse each line that says so, and no other."""

from pathlib import Path

from atelier import (
    AsyncClient,
    Client,
    Encoding,
    GenerateRequest,
    Grid,
    Job,
    Optimization,
    Style,
    StylizeRequest,
    Webhook,
)


def of_parameters(client: Client, photo: Path) -> None:
    client.generate(sed=7)  # refused
    client.generate(seed="7")  # refused
    client.generate(output="png")  # refused
    client.generate(grid=Optimization())  # refused
    client.generate(strength=0.5)  # refused
    client.generate(metadata={"page": 1})  # refused
    client.generate(7)  # refused
    client.stylize(photo, "a.jpg", strength="much")  # refused
    client.stylize(photo, "a.jpg", stregth=0.5)  # refused
    client.stylize(photo, "a.jpg", lane="fast")  # refused
    client.stylize(photo, 1.5)  # refused
    client.stylize(photo)  # refused
    client.stylize(photo, ["a.jpg", Encoding()])  # refused
    client.stylize(photo, "a.jpg", mask=Style(number=1))  # refused
    client.transform(photo, strength=1)  # refused
    client.transform(photo, max_side="512")  # refused
    client.transform(photo, timeout=5)  # refused


async def of_coroutines(client: AsyncClient, photo: Path) -> None:
    await client.generate(sed=7)  # refused
    client.generate(seed=7).save("a.png")  # refused
    client.jobs.delete("job_1")  # refused
    await client.stylize(photo, "a.jpg", lane="fast")  # refused
    await client.jobs.list()  # refused
    print((await client.stylize(photo, "a.jpg")).save("b.png").name)  # refused


def of_requests() -> None:
    GenerateRequest(sed=7)  # refused
    GenerateRequest(grid=Grid(colums=3))  # refused
    StylizeRequest(content="file_1")  # refused
    Encoding(format="bmp")  # refused
    Webhook(url="https://shop.example/", events=["job.fail"])  # refused


def of_batches(client: Client) -> None:
    client.batches.create([GenerateRequest()], nme="digits")  # refused
    client.batches.create([GenerateRequest()], lane="fast")  # refused
    client.batches.create([7])  # refused
    client.batches.open(ttl_seconds="1 day")  # refused
    client.batches.open(webhook=Webhook(url="https://shop.example/"))  # refused
    client.batches.get("batch_1").contact_sheet(column=3)  # refused
    client.batches.get("batch_1").contact_sheet(format="gif")  # refused
    list(client.batches.get("batch_1").jobs(status="faild"))  # refused


def of_results(client: Client, job: Job) -> None:
    client.generate(seed=1)[0].save(3)  # refused
    client.generate(seed=1).save("a.png")  # refused
    list(client.jobs.list(status="faild"))  # refused
    client.jobs.wait(job, timeout=5)  # refused
    print(job.outputs[0].size)  # refused
    print(job.status == "succeded")  # refused
    job.outputs[0].seed + 1  # refused

import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Client, type PushInput, shouldRetry } from 'fanfare-push'

/** Each line of the file is { "id": …, "token": … }. */
async function* pushes(): AsyncGenerator<PushInput> {
  for await (const line of createInterface(createReadStream('users.ndjson'))) {
    const { id, token } = JSON.parse(line)
    yield {
      id,
      app: 'demo',
      target: { apns: { token } },
      content: { notification: { title: 'Sale', body: 'Today only' } },
    }
  }
}

const counts: Record<string, number> = {}
const results = createWriteStream('results.ndjson')
const client = new Client('127.0.0.1:50051', { plaintext: true })
for await (const result of client.sendBatch(pushes())) {
  const outcome = result.ended === 'Answered' ? result.verdict.outcome : result.ended // NotRead or Unknown
  results.write(`${JSON.stringify({ id: result.push.id, outcome, again: shouldRetry(result) })}\n`)
  counts[outcome] = (counts[outcome] ?? 0) + 1
}
results.end()
client.close()
console.log(counts)

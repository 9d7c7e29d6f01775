import { Client, isDead } from 'fanfare-push'

const client = new Client('127.0.0.1:50051', { plaintext: true })
const result = await client.send({
  id: 'order-17',
  app: 'demo',
  target: { apns: { token: '900d0001' } },
  content: { notification: { title: 'Hello', body: 'World' } },
})
console.log(`${result.push.id}: ${result.verdict.outcome}`)
if (isDead(result)) {
  console.log('delete the token, unless it was registered again after', result.verdict.tokenInvalidSince)
}
client.close()

import { Client, isDead, type PushInput } from 'fanfare-push'
import sqlite from 'node-sqlite3-wasm'

const db = new sqlite.Database('devices.db')

function* pushes(): Generator<PushInput> {
  for (const { token } of db.all('SELECT token FROM devices')) {
    yield { app: 'demo', target: { apns: { token: String(token) } }, content: { data: { refresh: '1' } } }
  }
}

const client = new Client('127.0.0.1:50051', { plaintext: true })
for await (const result of client.sendBatch(pushes())) {
  if (isDead(result)) {
    const token = result.push.target?.apns?.token ?? null
    // Only APNs says since when. Without that, everything that was registered before this push is meant.
    const since = result.verdict.tokenInvalidSince?.getTime() ?? null
    db.run('DELETE FROM devices WHERE token = ?1 AND (?2 IS NULL OR registered_at <= ?2)', [token, since])
  }
}
client.close()
console.log('left:', db.all('SELECT token FROM devices ORDER BY token').map(({ token }) => token))
db.close()

import sqlite from 'node-sqlite3-wasm'

const now = Date.now()
const day = 86_400_000
const db = new sqlite.Database('devices.db')
db.run('CREATE TABLE devices (token TEXT PRIMARY KEY, registered_at INTEGER NOT NULL)')
for (const [token, registeredAt] of [
  ['900d0001', now - 90 * day],
  ['dead0001', now - 90 * day], // The app was removed a day ago.
  ['dead0002', now], // It was removed a day ago too, and has registered again since.
] as const) {
  db.run('INSERT INTO devices VALUES (?, ?)', [token, registeredAt])
}
db.close()

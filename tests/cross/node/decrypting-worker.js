// A service worker that holds the keys of a subscription and opens what is encrypted for them. It is written from
// RFC 8291 and RFC 8188 on the browser's own WebCrypto. Asked by messages, it answers on their ports.

const CURVE = { name: 'ECDH', namedCurve: 'P-256' }
const POINT = 65
const text = string => new TextEncoder().encode(string)
const join = (...parts) => new Uint8Array(parts.flatMap(part => [...part]))

const ACTIONS = { makeKeys, open }

self.addEventListener('message', event => {
  const { ask, argument } = event.data
  const [port] = event.ports
  event.waitUntil(ACTIONS[ask](argument).then(
    answer => port.postMessage({ answer }),
    error => port.postMessage({ error: String(error) }),
  ))
})

/** A new key pair and secret; gives the half that a sender needs, as PushSubscription.getKey() would. */
async function makeKeys() {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(CURVE, false, ['deriveBits'])
  const p256dh = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))
  const auth = crypto.getRandomValues(new Uint8Array(16))
  await stored('readwrite', store => store.put({ privateKey, p256dh, auth }, 'keys'))
  return { p256dh: [...p256dh], auth: [...auth] }
}

/** The plaintext of a body of `aes128gcm`. */
async function open(bytes) {
  const { privateKey, p256dh, auth } = await stored('readonly', store => store.get('keys'))
  const body = new Uint8Array(bytes)
  // The header: salt, record size, length of the key id, key id. Source: RFC 8188, 2.1.
  const salt = body.slice(0, 16)
  const recordSize = new DataView(body.buffer).getUint32(16)
  const record = body.slice(21 + body[20])
  // The key id is the sender's public key, and there is one record. Source: RFC 8291, 4.
  if (body[20] !== POINT) throw new Error(`a key id of ${body[20]} bytes`)
  if (record.length > recordSize) throw new Error(`a record of ${record.length} bytes, where ${recordSize} are said`)
  const sender = body.slice(21, 21 + POINT)

  // Source: RFC 8291, 3.4.
  const senderKey = await crypto.subtle.importKey('raw', sender, CURVE, false, [])
  const shared = await crypto.subtle.deriveBits({ name: 'ECDH', public: senderKey }, privateKey, 256)
  const secret = await hkdf(auth, shared, join(text('WebPush: info\0'), p256dh, sender), 32)
  // Source: RFC 8188, 2.2 and 2.3; the first record's sequence number, 0, changes no nonce.
  const contentKey = await hkdf(salt, secret, text('Content-Encoding: aes128gcm\0'), 16)
  const iv = await hkdf(salt, secret, text('Content-Encoding: nonce\0'), 12)
  const key = await crypto.subtle.importKey('raw', contentKey, 'AES-GCM', false, ['decrypt'])
  const padded = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv, tagLength: 128 }, key, record))
  // The last record ends with 2 and any number of zeros. Source: RFC 8188, 2.
  const end = padded.findLastIndex(byte => byte !== 0)
  if (padded[end] !== 2) throw new Error(`a delimiter of ${padded[end]}`)
  return [...padded.slice(0, end)]
}

async function hkdf(salt, secret, info, length) {
  const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
  return crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, 8 * length)
}

/** One request to the database: a service worker may be stopped between two events, and forgets what it holds. */
function stored(mode, request) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('subscription')
    opening.onupgradeneeded = () => opening.result.createObjectStore('keys')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const asked = request(opening.result.transaction('keys', mode).objectStore('keys'))
      asked.onerror = () => reject(asked.error)
      asked.onsuccess = () => {
        opening.result.close()
        resolve(asked.result)
      }
    }
  })
}

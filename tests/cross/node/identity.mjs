// Makes the keys, the certificates and the configuration that stand-ins and a gateway in front of them need.

import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const TEAM_ID = 'STANDTEAM1'
export const KEY_ID = 'STANDKEY01'
export const BUNDLE_ID = 'com.example.stand-in'
export const APP = 'stand-in'

/** Writes a provider key beside the certificates below `dir`; gives its public half. */
export function prepare(dir) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(join(dir, 'AuthKey.p8'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  certificates(dir)
  return publicKey
}

/** Writes a CA, and its certificate for localhost, below `dir`. */
export function certificates(dir) {
  const config = join(dir, 'openssl.cnf')
  writeFileSync(config, [
    '[req]', 'distinguished_name = name', '[name]',
    '[ca]', 'basicConstraints = critical, CA:TRUE', 'keyUsage = keyCertSign',
    '[localhost]', 'basicConstraints = critical, CA:FALSE', 'subjectAltName = DNS:localhost', '',
  ].join('\n'))
  const certificate = (name, ...more) => execFileSync('openssl', [
    'req', '-config', config, '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-days', '2', '-subj', `/CN=${name}`, '-extensions', name,
    '-keyout', join(dir, `${name}.key`), '-out', join(dir, `${name}.pem`), ...more,
  ], { cwd: dir, stdio: 'pipe' })
  certificate('ca')
  certificate('localhost', '-CA', 'ca.pem', '-CAkey', 'ca.key')
}

/** Writes the configuration of a gateway that sends to `authority`; gives its path. */
export function configure(dir, authority) {
  const config = join(dir, 'fanfare.toml')
  writeFileSync(config, `
[grpc]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[apns]
production = "https://${authority}"
sandbox = "https://${authority}"
[upstream]
ca_files = ["ca.pem"]
[log]
filter = "warn"
[apps.${APP}.apns]
environment = "production"
topics = ["${BUNDLE_ID}"]
[apps.${APP}.apns.token]
key_file = "AuthKey.p8"
key_id = "${KEY_ID}"
team_id = "${TEAM_ID}"
`)
  return config
}

// Sends pushes through a Fanfare gateway.

export { Client, type Settings } from './client.js'
export {
  type Answered, type NotRead, type PushInput, type Result, type Unknown, isDead, retryAfter, shouldRetry,
} from './result.js'
export { nothingSent } from './status.js'
// The messages of the contract, and its RPCs as they are.
export * from './generated/fanfare/push/v1/push.js'

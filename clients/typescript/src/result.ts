// What became of a push.

import { randomUUID } from 'node:crypto'
import { type DeepPartial, Delivery, Push, type PushResult, TokenAction } from './generated/fanfare/push/v1/push.js'

/** A push as it is written: what is left out has its default. */
export type PushInput = DeepPartial<Push>

/** The gateway gave its verdict on the push. */
export interface Answered { ended: 'Answered', push: Push, verdict: PushResult }

/** No gateway read the push: nothing was sent, and sending it again is safe. `cause` is why it was given up. */
export interface NotRead { ended: 'NotRead', push: Push, cause: Error }

/** The push may have been sent, and its verdict was lost. Send it again only if a duplicate does no harm. */
export interface Unknown { ended: 'Unknown', push: Push, cause: Error }

export type Result = Answered | NotRead | Unknown

/** Whether the target is to be deleted, unless it was registered again after `verdict.tokenInvalidSince`. */
export const isDead = (result: Result): result is Answered =>
  result.ended === 'Answered' && result.verdict.tokenAction === TokenAction.DELETE

/** Whether the push may succeed if it is sent again, after `retryAfter`, and no duplicate can come of it. */
export const shouldRetry = (result: Result): boolean => result.ended === 'Answered'
  ? result.verdict.retryable && result.verdict.delivery === Delivery.NO
  : result.ended === 'NotRead'

/** How many milliseconds to wait at least before the push is sent again. 0: there is no advice. */
export const retryAfter = (result: Result): number => {
  const advice = result.ended === 'Answered' ? result.verdict.retryAfter : undefined
  return advice ? advice.seconds * 1000 + advice.nanos / 1e6 : 0
}

/**
 * The whole push, with an id if it has none: whoever sends a push again repeats its id. Throws where it cannot be encoded,
 * such as a whole number that is none, since grpc-js would end the stream of all other pushes for it.
 */
export const named = (push: PushInput): Push => {
  const whole = Push.fromPartial(push)
  whole.id ||= randomUUID()
  Push.encode(whole)
  return whole
}

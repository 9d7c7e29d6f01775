// The one handler for the result of every RPC.

import type { PushResult__Output as PushResult } from './generated/fanfare/push/v1/PushResult.js'

/**
 * Says what is to be done about a push, by its result, whichever RPC gave it. It needs no outcome by name: those that a
 * later contract adds come with the same four fields.
 */
export function handle(result: PushResult): string {
  if (result.token_action === 'TOKEN_ACTION_DELETE') return 'delete the token'
  if (result.token_action === 'TOKEN_ACTION_QUARANTINE') return 'set the token aside'
  if (result.delivery === 'DELIVERY_MAYBE') return 'repeat only if a duplicate does no harm'
  if (result.retryable) return 'try again later'
  if (result.field) return `mend ${result.field}`
  if (result.reason && result.reason !== 'REASON_UNSPECIFIED') return 'ask an operator'
  return 'nothing'
}

import type { Authenticated } from '../identity/authenticateToken.ts';
import type { User } from '../identity/user.ts';
import type { AuditRecord } from '../telemetry/audit.ts';

/** Into the audit; who it is may be known before it is as whom they act. */
export function noteSender(audit: AuditRecord, { user, isStale }: Authenticated, actsAs?: User): void {
  const known = audit.know();
  known.user = user;
  known.isStale = isStale;
  if (actsAs) known.actsAs = actsAs;
}

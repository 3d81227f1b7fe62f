import type { Clock } from '../foundation/clock.ts';

export type SendSignal = (pid: number, signal: 'SIGTERM' | 'SIGKILL') => void;

/** How long a group may take to end by itself once it was told to, in milliseconds. */
const termGraceMs = 250;

export interface ProcessGroup {
  /** Tells every process of the group to end, and makes it do so shortly after. */
  end(): void;
  /** The leader is gone: whatever it left behind is killed at once. */
  killRest(): void;
}

/**
 * The group led by the process `leaderPid`, which was started detached. A grandchild belongs to it unless it left on
 * purpose (EX-29).
 */
export function createProcessGroup(
  leaderPid: number,
  clock: Clock,
  sendSignal: SendSignal = (pid, signal) => {
    process.kill(pid, signal);
  },
): ProcessGroup {
  let cancelKill: (() => void) | undefined;
  const send = (signal: 'SIGTERM' | 'SIGKILL'): void => {
    try {
      sendSignal(-leaderPid, signal);
    } catch {
      // ESRCH: nobody is left. EPERM: what is left belongs to another user, and no more can be done.
    }
  };
  return {
    end() {
      if (cancelKill) return;
      send('SIGTERM');
      cancelKill = clock.after(termGraceMs, () => {
        send('SIGKILL');
      });
    },
    killRest() {
      cancelKill?.();
      cancelKill = () => undefined;
      send('SIGKILL');
    },
  };
}

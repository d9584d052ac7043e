/** The invitation page: it takes the link's token, waits until the invited person is signed in, and joins. */
import { ApiError, acceptInvitation, getCurrentUser } from '../lib/api';
import { isAuthenticated, setCurrentBusinessId, withNext } from '../lib/auth';
import { formatWait, toSentence } from '../lib/format';
import { takeFragment } from '../lib/fragment';
import { forgetInvitation, INVITATION_PAGE, keepInvitation, ROLES, waitingInvitation } from '../lib/invitation';
import { endSession } from '../lib/session';
import type { Membership } from '../lib/types';

type State = 'working' | 'signed-out' | 'joined' | 'another' | 'over' | 'none' | 'failed';

function find<T extends HTMLElement>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
}

/** Shows one state of the page; what came of an action is read out from its heading. */
function show(state: State, { quietly = false } = {}): void {
  for (const section of document.querySelectorAll<HTMLElement>('[data-state]')) {
    section.hidden = section.dataset.state !== state;
  }
  if (!quietly) find(`[data-state="${state}"]`).querySelector('h2')?.focus();
}

function welcome({ id, name, role }: Membership): void {
  setCurrentBusinessId(id);
  find('[data-business]').textContent = name;
  find('[data-role]').textContent = ROLES[role].name;
  find('[data-may]').textContent = ROLES[role].may;
  find<HTMLAnchorElement>('[data-open]').href = `/dashboard/?business_id=${id}`;
  show('joined');
}

function whyNot({ status, message, retryAfterSeconds, requestId }: ApiError): string {
  const wait = retryAfterSeconds ? ` Try again in ${formatWait(retryAfterSeconds)}.` : '';
  if (status === 429) return `Too many tries.${wait}`;
  return toSentence(message) + wait + (requestId ? ` Request ${requestId}.` : '');
}

async function join(token: string): Promise<void> {
  show('working', { quietly: true });
  try {
    const membership = await acceptInvitation(token);
    forgetInvitation();
    welcome(membership);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    await explain(error);
  }
}

async function explain(error: ApiError): Promise<void> {
  if (error.status === 401) return; // On the way to the sign-in page, and back here.
  if (error.status === 400) {
    forgetInvitation();
    show('over');
  } else if (error.status === 403) {
    const me = await getCurrentUser().catch(() => null);
    find('[data-address]').textContent = me?.email ?? 'somebody else';
    show('another');
  } else {
    find('[data-why]').textContent = whyNot(error);
    show('failed');
  }
}

const { token } = takeFragment();
if (token) keepInvitation(token);
const waiting = token ?? waitingInvitation();

if (!waiting) {
  show('none', { quietly: true });
} else if (isAuthenticated()) {
  find('[data-again]').addEventListener('click', () => void join(waiting));
  const leave = find<HTMLButtonElement>('[data-sign-out]');
  leave.addEventListener('click', async () => {
    leave.disabled = true;
    leave.textContent = 'Signing out';
    await endSession();
    location.assign(withNext('/auth/login/', INVITATION_PAGE));
  });
  void join(waiting);
} else {
  show('signed-out', { quietly: true });
}

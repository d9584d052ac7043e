/** Who is signed in, and the way out. */
import { useState } from 'react';
import { endSession } from '../lib/session';
import Icon from './Icon';
import { useCurrentUser } from './useCurrentUser';

export default function AccountMenu() {
  const me = useCurrentUser();
  const [leaving, setLeaving] = useState(false);
  const leave = async () => {
    setLeaving(true);
    await endSession();
    location.assign('/');
  };
  return (
    <div className="grid gap-1 text-sm">
      <div className="min-h-10 px-3 py-1">
        <p className="font-medium">{me.data?.name}</p>
        <p className="text-muted">{me.data?.email}</p>
      </div>
      <button
        type="button"
        onClick={() => void leave()}
        disabled={leaving}
        className="flex min-h-11 items-center gap-3 rounded-lg px-3 text-left text-muted hover:bg-accent-soft hover:text-ink disabled:cursor-progress"
      >
        <Icon name="signOut" />
        {leaving ? 'Signing out' : 'Sign out'}
      </button>
    </div>
  );
}

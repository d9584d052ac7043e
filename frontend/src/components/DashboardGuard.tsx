/** Shows a signed-in page to those who are signed in, and sends everybody else to the sign-in page and back. */
import { useStore } from '@nanostores/react';
import { type ReactNode, useEffect } from 'react';
import { $token, isAuthenticated, sendToLogin } from '../lib/auth';
import type { CurrentUser } from '../lib/types';
import ErrorCard from './ErrorCard';
import { useCurrentUser } from './useCurrentUser';

interface Props {
  /** What stands in the page's place until it is known who is signed in. */
  fallback: ReactNode;
  children: (user: CurrentUser) => ReactNode;
}

export default function DashboardGuard({ fallback, children }: Props) {
  const token = useStore($token);
  const allowed = isAuthenticated();
  const me = useCurrentUser();
  useEffect(() => {
    if (!allowed) sendToLogin(token ? 'expired' : undefined);
  }, [allowed, token]);
  if (!allowed) return fallback;
  if (me.data) return children(me.data);
  if (me.error) {
    return (
      <ErrorCard
        error={me.error}
        title="Your account could not be loaded"
        onRetry={() => void me.refetch()}
        busy={me.isFetching}
      />
    );
  }
  return fallback;
}

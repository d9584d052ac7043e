/** The signed-in user, asked for once per page and only with a token in hand. */
import { useQuery } from '@tanstack/react-query';
import { isAuthenticated } from '../lib/auth';
import { currentUserQuery, queryClient } from '../lib/query';

export function useCurrentUser() {
  return useQuery({ ...currentUserQuery, enabled: isAuthenticated() }, queryClient);
}

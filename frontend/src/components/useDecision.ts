/** Deciding about a recommendation: shown at once, taken back when the server refuses. */
import { useMutation } from '@tanstack/react-query';
import { updateRecommendationStatus } from '../lib/api';
import { queryClient, recommendationsQuery } from '../lib/query';
import type { Decision, Recommendation } from '../lib/types';

export interface Decided {
  item: Recommendation;
  status: Decision['status'];
  reason: string | null;
}

/** `failed` is told the error and what it was about, after the list stands as before. */
export function useDecision(businessId: string, failed: (error: Error, decided: Decided) => void) {
  const { queryKey } = recommendationsQuery(businessId);
  const replace = (changed: Recommendation) =>
    queryClient.setQueryData<Recommendation[]>(queryKey, (list) =>
      list?.map((each) => (each.id === changed.id ? changed : each)),
    );
  const mutationKey = ['decision', businessId];
  return useMutation(
    {
      mutationKey,
      // One after the other: a change of mind must not overtake what it takes back.
      scope: { id: mutationKey.join() },
      mutationFn: ({ item, status, reason }: Decided) => updateRecommendationStatus(item.id, status, reason),
      onMutate: async ({ item, status, reason }) => {
        // An answer that is on its way would show the old state again.
        await queryClient.cancelQueries({ queryKey });
        replace({ ...item, status, reason });
      },
      onSuccess: (decided) => {
        // Unless the next decision is shown already.
        if (queryClient.isMutating({ mutationKey }) === 1) replace(decided);
      },
      onError: (error, decided) => {
        replace(decided.item);
        failed(error, decided);
        void queryClient.invalidateQueries({ queryKey });
      },
    },
    queryClient,
  );
}

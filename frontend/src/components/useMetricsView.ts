/** The metrics page's view, kept in the address, so that a link or a reload shows the same. */
import { useCallback, useState } from 'react';
import { normal, parseView, type View, viewSearch } from '../lib/metrics-view';

export function useMetricsView(metrics: readonly string[]): [View, (change: Partial<View>) => void] {
  const [view, setView] = useState(() => parseView(location.search, metrics));
  const change = useCallback(
    (changes: Partial<View>) => {
      const next = normal({ ...view, ...changes });
      setView(next);
      history.replaceState(history.state, '', location.pathname + viewSearch(next, location.search) + location.hash);
    },
    [view],
  );
  return [view, change];
}

/** Whether the browser knows that it has no connection. */
import { useSyncExternalStore } from 'react';

function subscribe(tell: () => void): () => void {
  addEventListener('online', tell);
  addEventListener('offline', tell);
  return () => {
    removeEventListener('online', tell);
    removeEventListener('offline', tell);
  };
}

export function useOffline(): boolean {
  return useSyncExternalStore(subscribe, () => !navigator.onLine);
}

/** What stands below the window's end: drawn in short slices once the top is there, so that the answer waits for none. */
import { type ReactNode, useDeferredValue } from 'react';

interface Props {
  /** Whether what decides where things stand is there; until then it is the outline. */
  ready?: boolean;
  /** Its outline, in the sizes of what will stand there. */
  fallback: ReactNode;
  children: ReactNode;
}

export default function Rest({ ready = true, fallback, children }: Props) {
  const due = useDeferredValue(ready, false);
  return <div className="rest">{due ? children : fallback}</div>;
}

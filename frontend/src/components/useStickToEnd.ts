/** Keeps the page at its end while it grows, unless the reader has scrolled away from there. */
import { useEffect, useLayoutEffect, useRef, useState } from 'react';

/** Pixels from the end within which a reader counts as being there. */
const NEAR = 120;

function distance(): number {
  return document.documentElement.scrollHeight - innerHeight - scrollY;
}

interface Scroll {
  /** Whether the reader has scrolled away from the end. */
  away: boolean;
  toEnd: () => void;
}

/** `follow` says whether to begin at the end. */
export function useStickToEnd(follow: boolean): Scroll {
  const atEnd = useRef(follow);
  const [away, setAway] = useState(false);
  useEffect(() => {
    const look = () => {
      atEnd.current = distance() < NEAR;
      setAway(!atEnd.current);
    };
    addEventListener('scroll', look, { passive: true });
    return () => removeEventListener('scroll', look);
  }, []);
  // After every rendering, because any may have made the page longer.
  useLayoutEffect(() => {
    if (atEnd.current) scrollTo({ top: document.documentElement.scrollHeight });
  });
  return {
    away,
    toEnd: () => {
      atEnd.current = true;
      setAway(false);
      scrollTo({ top: document.documentElement.scrollHeight });
    },
  };
}

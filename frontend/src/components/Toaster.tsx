/** Shows the latest toast; it goes by itself, but not while somebody points at it or has the focus in it. */
import { useStore } from '@nanostores/react';
import { useEffect, useState } from 'react';
import { $toast, closeToast } from '../lib/toast';
import Icon from './Icon';

const STAY_MS = 10_000;

export default function Toaster() {
  const toast = useStore($toast);
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (!toast || held) return;
    const timer = setTimeout(closeToast, STAY_MS);
    return () => clearTimeout(timer);
  }, [toast, held]);
  return (
    <div
      role="status"
      className="toaster no-print"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {toast && (
        <div className="toast">
          <p className="min-w-0 flex-1">{toast.text}</p>
          {toast.undo && (
            <button
              type="button"
              className="btn px-3"
              onClick={() => {
                toast.undo?.();
                setHeld(false);
              }}
            >
              Undo
            </button>
          )}
          <button
            type="button"
            className="flex size-11 shrink-0 items-center justify-center rounded-lg text-muted hover:text-ink"
            aria-label="Close this message"
            onClick={() => {
              closeToast();
              setHeld(false);
            }}
          >
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}

/** Asks why a recommendation is dismissed: that is what makes the next ones better, and it can't be taken back. */
import { useEffect, useId, useRef, useState } from 'react';
import { DISMISSAL_REASONS, QUIET_DAYS } from '../lib/recommendations';
import type { Recommendation } from '../lib/types';

const LONGEST = 500;
const OTHER = 'other';

interface Props {
  item: Recommendation;
  onDismiss: (reason: string | null) => void;
  onClose: () => void;
}

export default function DismissDialog({ item, onDismiss, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const [chosen, choose] = useState<string | null>(null);
  const [own, setOwn] = useState('');
  useEffect(() => dialog.current?.showModal(), []);
  const reason = chosen === OTHER ? own.trim() || null : chosen;
  return (
    <dialog ref={dialog} aria-labelledby={title} className="dialog" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onDismiss(reason);
        }}
      >
        <h2 id={title} className="text-lg font-semibold">
          Dismiss “{item.title}”?
        </h2>
        <p className="mt-1 text-sm text-muted">
          It stays away for {QUIET_DAYS} days, and comes back only if its cause still stands then. The score does not
          change by it.
        </p>
        <fieldset className="mt-4">
          <legend className="text-sm font-medium">Why? You may leave this open.</legend>
          <div className="mt-1">
            {[...DISMISSAL_REASONS, OTHER].map((each) => (
              <label key={each} className="flex min-h-11 cursor-pointer items-center gap-3 text-sm">
                <input
                  type="radio"
                  name="reason"
                  className="size-4.5 accent-(--accent)"
                  checked={chosen === each}
                  onChange={() => choose(each)}
                />
                {each === OTHER ? 'Something else' : each}
              </label>
            ))}
          </div>
          {chosen === OTHER && (
            <label className="mt-1 block text-sm">
              <span className="sr-only">The reason in your words</span>
              <input
                type="text"
                className="field"
                maxLength={LONGEST}
                value={own}
                placeholder="In a few words"
                onChange={(event) => setOwn(event.target.value)}
              />
            </label>
          )}
        </fieldset>
        <div className="mt-5 flex flex-wrap justify-end gap-3">
          <button type="button" className="btn" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="submit" className="btn btn-primary">
            Dismiss
          </button>
        </div>
      </form>
    </dialog>
  );
}

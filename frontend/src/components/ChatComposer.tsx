/** Where a question is written: Enter sends it, Shift and Enter begin a new line, and what is running can be stopped. */
import { type RefObject, useId } from 'react';
import { formatCount } from '../lib/format';
import Icon from './Icon';

export const MOST_CHARACTERS = 4_000;
/** The count is shown from here. */
const NEARLY_FULL = 3_500;

interface Props {
  field: RefObject<HTMLTextAreaElement | null>;
  value: string;
  onChange: (value: string) => void;
  busy: boolean;
  offline: boolean;
  onSend: () => void;
  onStop: () => void;
}

export default function ChatComposer({ field, value, onChange, busy, offline, onSend, onStop }: Props) {
  const id = useId();
  const length = [...value.trim()].length;
  const tooLong = length > MOST_CHARACTERS;
  const ready = length > 0 && !tooLong && !busy && !offline;
  const send = () => {
    if (ready) onSend();
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label htmlFor={id} className="sr-only">
        Your question
      </label>
      <textarea
        id={id}
        ref={field}
        rows={1}
        value={value}
        placeholder="Ask about your score or funding"
        aria-describedby={`${id}-note`}
        aria-invalid={tooLong || undefined}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          // While a word is being composed, Enter chooses it.
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          send();
        }}
        className="composer-field"
      />
      {busy ? (
        <button type="button" className="btn size-11 shrink-0 px-0" aria-label="Stop" onClick={onStop}>
          <Icon name="stop" />
        </button>
      ) : (
        <button
          type="submit"
          className="btn btn-primary size-11 shrink-0 px-0 disabled:cursor-default"
          aria-label="Ask"
          disabled={!ready}
        >
          <Icon name="send" />
        </button>
      )}
      <p id={`${id}-note`} className={`w-full px-2 text-xs ${tooLong ? 'text-bad' : 'text-muted'}`}>
        {tooLong
          ? `A question has at most ${formatCount(MOST_CHARACTERS)} characters; this one has ${formatCount(length)}.`
          : length >= NEARLY_FULL
            ? `${formatCount(MOST_CHARACTERS - length)} characters left`
            : offline
              ? 'You are offline. Your question stays here until the connection is back.'
              : 'Guidance, not financial advice.'}
      </p>
    </form>
  );
}

/** A form of the settings: one submission at a time, an error beside the field it is about, and that it is saved. */
import { useMutation } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useId, useRef } from 'react';
import { ApiError } from '../../lib/api';
import { toSentence } from '../../lib/format';
import { queryClient } from '../../lib/query';
import ErrorCard from '../ErrorCard';

const WrongField = createContext<{ name: string; message: string } | null>(null);

interface FormProps {
  /** Sends the trimmed values, by the names of their fields; an unchecked box has none. */
  submit: (values: Record<string, string>) => Promise<unknown>;
  label: string;
  busy: string;
  /** What is said when it is done; it goes with the next change. */
  done: string;
  /** Empties the fields when it is done. */
  clear?: boolean;
  children: ReactNode;
}

export function Form({ submit, label, busy, done, clear = false, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const save = useMutation(
    {
      mutationFn: () => submit(valuesOf(form.current)),
      onSuccess: () => {
        if (clear) form.current?.reset();
      },
      onError: (error) => {
        if (error instanceof ApiError && error.field) fieldOf(form.current, error.field)?.focus();
      },
    },
    queryClient,
  );
  const { error } = save;
  const wrong =
    error instanceof ApiError && error.field && fieldOf(form.current, error.field)
      ? { name: error.field, message: toSentence(error.reason ?? error.message) }
      : null;
  return (
    <form
      ref={form}
      className="grid gap-5"
      onInput={() => save.isPending || save.reset()}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <WrongField value={wrong}>{children}</WrongField>
      {error && !wrong && (
        <ErrorCard
          compact
          error={error}
          title="That did not work"
          onRetry={() => save.mutate()}
          busy={save.isPending}
        />
      )}
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <button type="submit" className="btn btn-primary" disabled={save.isPending}>
          {save.isPending ? busy : label}
        </button>
        <p role="status" className="text-sm text-muted">
          {save.isSuccess && done}
        </p>
      </div>
    </form>
  );
}

function valuesOf(form: HTMLFormElement | null): Record<string, string> {
  const pairs = form ? [...new FormData(form)] : [];
  return Object.fromEntries(pairs.map(([name, value]) => [name, String(value).trim()]));
}

function fieldOf(form: HTMLFormElement | null, name: string): HTMLElement | null {
  const found = form?.elements.namedItem(name);
  return found instanceof HTMLElement ? found : null;
}

interface Shared {
  name: string;
  label: string;
  hint?: ReactNode;
  defaultValue: string;
}

interface InputProps extends Shared {
  type?: 'text' | 'email' | 'number' | 'date';
  required?: boolean;
  maxLength?: number;
  autoComplete?: string;
  placeholder?: string;
  max?: string;
}

export function Input({ name, label, hint, type = 'text', ...rest }: InputProps) {
  const { id, described, invalid } = useField(name, hint);
  return (
    <Labelled id={id} label={label} hint={hint} optional={!rest.required} name={name}>
      <input
        id={id}
        name={name}
        type={type}
        aria-describedby={described}
        aria-invalid={invalid}
        className="field mt-1.5"
        {...(type === 'number' && { inputMode: 'decimal', min: 0, step: 'any' })}
        {...rest}
      />
    </Labelled>
  );
}

interface SelectProps extends Shared {
  options: Record<string, string>;
}

export function Select({ name, label, hint, options, defaultValue }: SelectProps) {
  const { id, described, invalid } = useField(name, hint);
  return (
    <Labelled id={id} label={label} hint={hint} optional={'' in options} name={name}>
      <select
        id={id}
        name={name}
        defaultValue={defaultValue}
        aria-describedby={described}
        aria-invalid={invalid}
        className="field mt-1.5"
      >
        {Object.entries(options).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

interface LabelledProps extends Pick<Shared, 'name' | 'label' | 'hint'> {
  id: string;
  optional: boolean;
  children: ReactNode;
}

function Labelled({ id, name, label, hint, optional, children }: LabelledProps) {
  const wrong = useContext(WrongField);
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="block text-sm font-medium">
        {label} {optional && <span className="font-normal text-muted">(optional)</span>}
      </label>
      {hint && (
        <p id={`${id}-hint`} className="mt-0.5 text-sm text-muted">
          {hint}
        </p>
      )}
      {children}
      <p id={`${id}-error`} role="alert" className="mt-1 text-sm text-bad empty:hidden">
        {wrong?.name === name && wrong.message}
      </p>
    </div>
  );
}

function useField(name: string, hint: ReactNode) {
  const wrong = useContext(WrongField);
  const id = useId();
  return { id, described: `${hint ? `${id}-hint ` : ''}${id}-error`, invalid: wrong?.name === name };
}

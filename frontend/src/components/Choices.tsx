/** A row of buttons of which one is chosen. */
interface Props<T> {
  label: string;
  options: readonly { value: T; label: string; short?: string; disabled?: boolean }[];
  value: T;
  onChange: (value: T) => void;
}

export default function Choices<T extends string | number | boolean>({ label, options, value, onChange }: Props<T>) {
  return (
    <fieldset className="flex rounded-[10px] border border-line bg-bg p-0.5">
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <button
          key={String(option.value)}
          type="button"
          aria-pressed={option.value === value}
          aria-label={option.short ? option.label : undefined}
          disabled={option.disabled}
          onClick={() => onChange(option.value)}
          className="min-h-9 rounded-lg px-2 sm:px-2.5 text-sm text-muted hover:text-ink disabled:cursor-not-allowed disabled:opacity-45 aria-pressed:bg-surface aria-pressed:font-medium aria-pressed:text-ink aria-pressed:shadow-[0_0_0_1px_var(--edge)]"
        >
          {option.short ?? option.label}
        </button>
      ))}
    </fieldset>
  );
}

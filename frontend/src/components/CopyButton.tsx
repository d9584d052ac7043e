/** Copies a text, and says that it did. */
import { useEffect, useState } from 'react';

const TOLD_MS = 2_000;

export default function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [copied, setCopied] = useState<boolean | null>(null);
  useEffect(() => {
    if (copied === null) return;
    const timer = setTimeout(() => setCopied(null), TOLD_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  const told = copied === null ? '' : copied ? 'Copied' : 'Select and copy it';
  return (
    <>
      <button type="button" className="btn min-w-28 shrink-0 text-sm" onClick={() => void copy()}>
        {told || label}
      </button>
      <span role="status" className="sr-only">
        {told}
      </span>
    </>
  );
}

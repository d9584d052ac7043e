/** One matter of the settings: a card with its heading, its anchor, and one sentence about it. */
import type { ReactNode } from 'react';

interface Props {
  id: string;
  title: string;
  intro?: ReactNode;
  children: ReactNode;
}

export default function Section({ id, title, intro, children }: Props) {
  return (
    <section id={id} aria-labelledby={`${id}-title`} className="card scroll-mt-6 p-5 sm:p-6">
      <h3 id={`${id}-title`} className="font-semibold">
        {title}
      </h3>
      {intro && <p className="mt-1 max-w-prose text-sm text-muted">{intro}</p>}
      <div className="mt-5">{children}</div>
    </section>
  );
}

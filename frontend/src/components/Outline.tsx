/** What stands in a page's place while it loads: grey shapes in the sizes of what will stand there. */
import type { ReactNode } from 'react';

interface Props {
  className: string;
  children: ReactNode;
}

export default function Outline({ className, children }: Props) {
  return (
    <div className={className} aria-busy="true">
      <p className="sr-only" role="status">
        Loading
      </p>
      {children}
    </div>
  );
}

/** The line below a page's title: of whom its figures are, and of when. */
export function FreshnessOutline() {
  return <div className="skel -mt-3 h-5 w-64 max-w-full" />;
}

/** So many lines of a list, in the height that a class gives them. */
export function LinesOutline({ count, className }: { count: number; className: string }) {
  return Array.from({ length: count }, (_, line) => line).map((line) => (
    <div key={line} className={`skel w-full ${className}`} />
  ));
}

/** Told what is going on, in a few words for people; the newest text replaces the one before. */
export type Progress = (text: string) => void;

export const silent: Progress = () => undefined;

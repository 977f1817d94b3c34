/*
 * The program and its libraries as this process has them in memory.
 */
#ifndef DCMSPOOL_IMAGE_H
#define DCMSPOOL_IMAGE_H

/*
 * Gives back the pages of code and constants that have been touched, which for
 * a daemon that has started is what the dynamic linker read and what ran
 * once. They are still in the page cache: what is needed again comes from
 * there, and what stays away no longer counts as resident. Nothing that was
 * or could be written is touched.
 */
void image_give_back(void);

#endif
